"""Labelled templates: files, and what is wrong with which resource. Each kind stands in as many formats as it fits.

Clean twins hold what looks alike and is right; anything said of them in the labelled kinds is a false finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent

Label = tuple[str, str]
"""Resource and kind."""


@dataclass(frozen=True, slots=True)
class Case:
    """One small tree."""

    name: str
    files: dict[str, str]
    labels: frozenset[Label]


def make_case(name: str, files: dict[str, str], *labels: Label) -> Case:
    """A case from its texts, indentation of this file taken away."""
    return Case(name, {path: dedent(text).lstrip() for path, text in files.items()}, frozenset(labels))


def _cfn(body: str) -> str:
    return "AWSTemplateFormatVersion: '2010-09-09'\nResources:\n" + "\n".join(
        f"  {line}" if line else "" for line in dedent(body).strip().splitlines()
    )


_POLICY = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: %s, Resource: %s}]}"
CLOUDFORMATION = [
    make_case(
        "cfn-network",
        {
            "net.yaml": _cfn(
                """
                Open:
                  Type: AWS::EC2::SecurityGroup
                  Properties:
                    GroupDescription: open
                    SecurityGroupIngress:
                      - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}
                Closed:
                  Type: AWS::EC2::SecurityGroup
                  Properties:
                    GroupDescription: closed
                    SecurityGroupIngress:
                      - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}
                      - {IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}
                Rule:
                  Type: AWS::EC2::SecurityGroupIngress
                  Properties: {GroupId: sg-12345678, IpProtocol: tcp, FromPort: 3389, ToPort: 3389, CidrIp: 0.0.0.0/0}
                Net:
                  Type: AWS::EC2::Subnet
                  Properties: {VpcId: vpc-12345678, CidrBlock: 10.0.0.0/24, MapPublicIpOnLaunch: true}
                Host:
                  Type: AWS::EC2::Instance
                  Properties:
                    ImageId: ami-12345678
                    SecurityGroupIds: [!GetAtt Open.GroupId]
                    SubnetId: !Ref Net
                """
            )
        },
        ("Open", "open_admin_port"),
        ("Rule", "open_admin_port"),
        ("Host", "reachable_instance"),
        ("Host", "imds_v1"),
    ),
    make_case(
        "cfn-data",
        {
            "data.yaml": _cfn(
                """
                Shared:
                  Type: AWS::S3::Bucket
                  Properties: {AccessControl: PublicRead}
                Shut:
                  Type: AWS::S3::Bucket
                  Properties:
                    PublicAccessBlockConfiguration:
                      BlockPublicAcls: true
                      BlockPublicPolicy: true
                      IgnorePublicAcls: true
                      RestrictPublicBuckets: true
                Base:
                  Type: AWS::RDS::DBInstance
                  Properties:
                    DBInstanceClass: db.t3.micro
                    Engine: postgres
                    AllocatedStorage: '20'
                    MasterUsername: app
                    MasterUserPassword: hunter2hunter2
                    PubliclyAccessible: true
                    BackupRetentionPeriod: 0
                Good:
                  Type: AWS::RDS::DBInstance
                  Properties:
                    DBInstanceClass: db.t3.micro
                    Engine: postgres
                    AllocatedStorage: '20'
                    MasterUsername: app
                    MasterUserPassword: '{{resolve:secretsmanager:app:SecretString:password}}'
                    PubliclyAccessible: false
                    StorageEncrypted: true
                    BackupRetentionPeriod: 7
                Disk:
                  Type: AWS::EC2::Volume
                  Properties: {AvailabilityZone: eu-west-1a, Size: 10}
                Key:
                  Type: AWS::KMS::Key
                  Properties:
                    KeyPolicy:
                      Version: '2012-10-17'
                      Statement: [{Effect: Allow, Principal: '*', Action: 'kms:*', Resource: '*'}]
                """
            )
        },
        ("Shared", "public_bucket"),
        ("Base", "plain_secret"),
        ("Base", "public_database"),
        ("Base", "no_backup"),
        ("Base", "unencrypted_storage"),
        ("Disk", "unencrypted_storage"),
        ("Key", "public_policy"),
        ("Key", "no_key_rotation"),
    ),
    make_case(
        "cfn-rights",
        {
            "rights.yaml": _cfn(
                f"""
                Everything:
                  Type: AWS::IAM::ManagedPolicy
                  Properties:
                    PolicyDocument: {_POLICY % ("'*'", "'*'")}
                Passes:
                  Type: AWS::IAM::ManagedPolicy
                  Properties:
                    PolicyDocument: {_POLICY % ("'iam:PassRole'", "'*'")}
                Reads:
                  Type: AWS::IAM::ManagedPolicy
                  Properties:
                    PolicyDocument: {_POLICY % ("'s3:GetObject'", "'arn:aws:s3:::one/*'")}
                Work:
                  Type: AWS::SQS::Queue
                  Properties: {{VisibilityTimeout: 60}}
                WorkPolicy:
                  Type: AWS::SQS::QueuePolicy
                  Properties:
                    Queues: [!Ref Work]
                    PolicyDocument:
                      Statement: [{{Effect: Allow, Principal: '*', Action: 'sqs:SendMessage', Resource: '*'}}]
                """
            )
        },
        ("Everything", "wildcard_iam"),
        ("Passes", "escalation"),
        ("WorkPolicy", "public_policy"),
        ("Work", "no_dead_letter"),
    ),
    make_case(
        "cfn-chains",
        {
            "app/main.py": "import os\nprint(os.environ['BATCH_LIMIT'], os.environ['SDK_MAX_ATTEMPTS'])\n",
            "template.yaml": _cfn(
                """
                Letters:
                  Type: AWS::SQS::Queue
                Jobs:
                  Type: AWS::SQS::Queue
                  Properties:
                    VisibilityTimeout: 30
                    RedrivePolicy: {deadLetterTargetArn: !GetAtt Letters.Arn, maxReceiveCount: 5}
                Worker:
                  Type: AWS::Lambda::Function
                  Properties:
                    Runtime: python3.12
                    Handler: app.main.run
                    Role: arn:aws:iam::123456789012:role/worker
                    Code: {S3Bucket: code, S3Key: code.zip}
                    Timeout: 120
                    Environment:
                      Variables:
                        BATCH_LIMIT: '10'
                        ENABLE_FAST_PATH: 'true'
                        SDK_MAX_ATTEMPTS: '4'
                        DB_PASSWORD: Tr0ub4dor-3xyz
                Feed:
                  Type: AWS::Lambda::EventSourceMapping
                  Properties: {EventSourceArn: !GetAtt Jobs.Arn, FunctionName: !Ref Worker}
                Alarm:
                  Type: AWS::CloudWatch::Alarm
                  Properties:
                    Namespace: Shop
                    MetricName: OrdersLost
                    AlarmActions: [arn:aws:sns:eu-west-1:123456789012:pager]
                    ComparisonOperator: GreaterThanThreshold
                    EvaluationPeriods: 1
                    Period: 60
                    Statistic: Sum
                    Threshold: 0
                """
            ),
        },
        ("Jobs", "timeout_chain"),
        ("Worker", "retry_product"),
        ("Worker", "unread_variable"),
        ("Worker", "plain_secret"),
        ("Alarm", "dead_alarm"),
    ),
]
