"""What a resource is, the same for each format: checks ask for a role and spell names as they like."""

from __future__ import annotations

_ROLES: dict[str, str] = {
    "security_group": "AWS::EC2::SecurityGroup aws_security_group aws_default_security_group",
    "ingress_rule": "AWS::EC2::SecurityGroupIngress aws_security_group_rule aws_vpc_security_group_ingress_rule",
    "instance": "AWS::EC2::Instance aws_instance",
    "launch_template": "AWS::EC2::LaunchTemplate AWS::AutoScaling::LaunchConfiguration aws_launch_template "
    "aws_launch_configuration",
    "subnet": "AWS::EC2::Subnet aws_subnet",
    "route": "AWS::EC2::Route aws_route",
    "route_table": "AWS::EC2::RouteTable aws_route_table",
    "route_association": "AWS::EC2::SubnetRouteTableAssociation aws_route_table_association",
    "vpc": "AWS::EC2::VPC aws_vpc",
    "flow_log": "AWS::EC2::FlowLog aws_flow_log",
    "internet_gateway": "AWS::EC2::InternetGateway aws_internet_gateway",
    "volume": "AWS::EC2::Volume aws_ebs_volume",
    "bucket": "AWS::S3::Bucket aws_s3_bucket",
    "bucket_policy": "AWS::S3::BucketPolicy aws_s3_bucket_policy",
    "bucket_block": "aws_s3_bucket_public_access_block",
    "bucket_acl": "aws_s3_bucket_acl",
    "iam_policy": "AWS::IAM::Policy AWS::IAM::ManagedPolicy aws_iam_policy aws_iam_role_policy aws_iam_user_policy "
    "aws_iam_group_policy",
    "iam_role": "AWS::IAM::Role aws_iam_role",
    "iam_user": "AWS::IAM::User AWS::IAM::Group aws_iam_user aws_iam_group",
    "policy_attachment": "aws_iam_role_policy_attachment aws_iam_user_policy_attachment aws_iam_policy_attachment",
    "access_key": "AWS::IAM::AccessKey aws_iam_access_key",
    "policy_document": "aws_iam_policy_document",
    "database": "AWS::RDS::DBInstance AWS::RDS::DBCluster AWS::Redshift::Cluster AWS::DocDB::DBCluster "
    "AWS::Neptune::DBCluster aws_db_instance aws_rds_cluster aws_rds_cluster_instance aws_redshift_cluster "
    "aws_docdb_cluster aws_neptune_cluster",
    "file_system": "AWS::EFS::FileSystem AWS::FSx::FileSystem aws_efs_file_system",
    "cache": "AWS::ElastiCache::ReplicationGroup aws_elasticache_replication_group",
    "search": "AWS::Elasticsearch::Domain AWS::OpenSearchService::Domain aws_elasticsearch_domain "
    "aws_opensearch_domain",
    "stream": "AWS::Kinesis::Stream aws_kinesis_stream",
    "log_group": "AWS::Logs::LogGroup aws_cloudwatch_log_group",
    "key": "AWS::KMS::Key aws_kms_key",
    "secret": "AWS::SecretsManager::Secret aws_secretsmanager_secret",
    "trail": "AWS::CloudTrail::Trail aws_cloudtrail",
    "emr": "AWS::EMR::Cluster aws_emr_cluster",
    "queue": "AWS::SQS::Queue aws_sqs_queue",
    "queue_policy": "AWS::SQS::QueuePolicy aws_sqs_queue_policy",
    "queue_redrive": "aws_sqs_queue_redrive_policy",
    "topic": "AWS::SNS::Topic aws_sns_topic",
    "topic_policy": "AWS::SNS::TopicPolicy aws_sns_topic_policy",
    "subscription": "AWS::SNS::Subscription aws_sns_topic_subscription",
    "function": "AWS::Lambda::Function AWS::Serverless::Function aws_lambda_function",
    "function_url": "AWS::Lambda::Url aws_lambda_function_url",
    "function_permission": "AWS::Lambda::Permission aws_lambda_permission",
    "function_invocation": "AWS::Lambda::EventInvokeConfig aws_lambda_function_event_invoke_config",
    "event_source": "AWS::Lambda::EventSourceMapping aws_lambda_event_source_mapping",
    "event_rule": "AWS::Events::Rule aws_cloudwatch_event_rule",
    "event_target": "aws_cloudwatch_event_target",
    "api_method": "AWS::ApiGateway::Method aws_api_gateway_method",
    "api_integration": "AWS::ApiGatewayV2::Integration aws_api_gateway_integration aws_apigatewayv2_integration",
    "api_stage": "AWS::ApiGateway::Stage aws_api_gateway_stage",
    "load_balancer": "AWS::ElasticLoadBalancingV2::LoadBalancer aws_lb aws_alb",
    "listener": "AWS::ElasticLoadBalancingV2::Listener aws_lb_listener aws_alb_listener",
    "target_group": "AWS::ElasticLoadBalancingV2::TargetGroup aws_lb_target_group aws_alb_target_group",
    "distribution": "AWS::CloudFront::Distribution aws_cloudfront_distribution",
    "state_machine": "AWS::StepFunctions::StateMachine AWS::Serverless::StateMachine aws_sfn_state_machine",
    "task": "AWS::ECS::TaskDefinition aws_ecs_task_definition",
    "registry": "AWS::ECR::Repository aws_ecr_repository",
    "alarm": "AWS::CloudWatch::Alarm aws_cloudwatch_metric_alarm",
    "metric_filter": "AWS::Logs::MetricFilter aws_cloudwatch_log_metric_filter",
    "budget": "AWS::Budgets::Budget aws_budgets_budget AWS::CE::AnomalyMonitor aws_ce_anomaly_monitor",
    "workload": "Pod Deployment StatefulSet DaemonSet ReplicaSet ReplicationController Job CronJob",
    "service": "Service",
    "ingress": "Ingress",
    "config_map": "ConfigMap",
    "cluster_role": "ClusterRole Role",
}
_BY_KIND = {kind: role for role, kinds in _ROLES.items() for kind in kinds.split(" ")}


def role_of(kind: str) -> str:
    """The role of a kind as its format names it; empty when no check cares for it."""
    return _BY_KIND.get(kind, "")
