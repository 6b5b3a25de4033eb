"""Labelled templates in Terraform, Kubernetes and compose."""

from __future__ import annotations

from benchmarks.infra_templates import Case, make_case

_REQUIRED = """
            metadata_options {
              http_tokens = "required"
            }
"""
OTHERS: list[Case] = [
    make_case(
        "tf-network",
        {
            "vars.tf": 'variable "anywhere" {\n  default = "0.0.0.0/0"\n}\nvariable "forgotten" {\n  default = 1\n}\n',
            "main.tf": f"""
            resource "aws_security_group" "db" {{
              ingress {{
                from_port   = 5432
                to_port     = 5432
                protocol    = "tcp"
                cidr_blocks = [var.anywhere]
              }}
            }}
            resource "aws_security_group" "fine" {{
              ingress {{
                from_port   = 5432
                to_port     = 5432
                protocol    = "tcp"
                cidr_blocks = ["10.0.0.0/8"]
              }}
            }}
            resource "aws_instance" "public" {{
              ami                         = "ami-1"
              associate_public_ip_address = true
              vpc_security_group_ids      = [aws_security_group.db.id]
            {_REQUIRED}
            }}
            resource "aws_instance" "private" {{
              ami                    = "ami-1"
              vpc_security_group_ids = [aws_security_group.fine.id]
            {_REQUIRED}
            }}
            """,
        },
        ("aws_security_group.db", "open_admin_port"),
        ("aws_instance.public", "reachable_instance"),
        ("forgotten", "unused_parameter"),
    ),
    make_case(
        "tf-data",
        {
            "main.tf": """
            resource "aws_s3_bucket" "open" {
              bucket = "open"
            }
            resource "aws_s3_bucket_acl" "open" {
              bucket = aws_s3_bucket.open.id
              acl    = "public-read"
            }
            resource "aws_s3_bucket" "shut" {
              bucket = "shut"
            }
            resource "aws_s3_bucket_public_access_block" "shut" {
              bucket                  = aws_s3_bucket.shut.id
              block_public_acls       = true
              block_public_policy     = true
              ignore_public_acls      = true
              restrict_public_buckets = true
            }
            resource "aws_db_instance" "main" {
              engine              = "postgres"
              publicly_accessible = true
              storage_encrypted   = false
              password            = "hunter2hunter2"
            }
            resource "aws_ebs_volume" "plain" {
              availability_zone = "eu-west-1a"
              size              = 10
            }
            resource "aws_ebs_volume" "safe" {
              availability_zone = "eu-west-1a"
              size              = 10
              encrypted         = true
            }
            data "aws_iam_policy_document" "all" {
              statement {
                actions   = ["*"]
                resources = ["*"]
              }
            }
            resource "aws_iam_policy" "all" {
              policy = data.aws_iam_policy_document.all.json
            }
            resource "aws_iam_policy" "json" {
              policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
            }
            """
        },
        ("aws_s3_bucket.open", "public_bucket"),
        ("aws_db_instance.main", "public_database"),
        ("aws_db_instance.main", "unencrypted_storage"),
        ("aws_db_instance.main", "plain_secret"),
        ("aws_ebs_volume.plain", "unencrypted_storage"),
        ("aws_iam_policy.all", "wildcard_iam"),
        ("aws_iam_policy.json", "wildcard_iam"),
    ),
    make_case(
        "k8s",
        {
            "web.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: bad}
            spec:
              template:
                spec:
                  hostNetwork: true
                  containers:
                    - name: app
                      image: nginx:latest
                      ports: [{containerPort: 80}]
                      securityContext: {privileged: true, runAsUser: 0}
                      volumeMounts: [{name: sock, mountPath: /sock}]
                  volumes:
                    - name: sock
                      hostPath: {path: /var/run/docker.sock}
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: good}
            spec:
              template:
                spec:
                  securityContext: {runAsNonRoot: true}
                  containers:
                    - name: app
                      image: nginx:1.27.3
                      ports: [{containerPort: 80}]
                      resources: {limits: {memory: 64Mi, cpu: 100m}, requests: {memory: 64Mi, cpu: 100m}}
                      readinessProbe: {httpGet: {path: /, port: 80}}
                      livenessProbe: {httpGet: {path: /, port: 80}}
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: load}
            spec:
              backoffLimit: 5
              template:
                spec:
                  restartPolicy: OnFailure
                  securityContext: {runAsNonRoot: true}
                  containers:
                    - name: load
                      image: registry.example.com/load:1
                      env: [{name: HTTP_RETRIES, value: '4'}]
                      resources: {limits: {memory: 64Mi}}
            """
        },
        ("Deployment/bad", "privileged_container"),
        ("Deployment/bad", "host_namespace"),
        ("Deployment/bad", "host_mount"),
        ("Deployment/bad", "latest_tag"),
        ("Deployment/bad", "no_limits"),
        ("Deployment/bad", "no_probe"),
        ("Deployment/bad", "root_user"),
        ("Job/load", "retry_product"),
    ),
    make_case(
        "compose",
        {
            "app.py": "import os\nprint(os.getenv('SHOP_MODE'))\n",
            "compose.yaml": """
            services:
              shop:
                build: .
                privileged: true
                mem_limit: 64m
                volumes: ["/var/run/docker.sock:/var/run/docker.sock"]
                environment:
                  SHOP_MODE: fast
                  FEATURE_NEW_CART: "true"
                  API_TOKEN: 9f8e7d6c5b4a39281706
              db:
                image: postgres
                mem_limit: 64m
                ports: ["5432:5432"]
              cache:
                image: redis:7.4
                mem_limit: 64m
                ports: ["127.0.0.1:6379:6379"]
            """,
        },
        ("shop", "privileged_container"),
        ("shop", "host_mount"),
        ("shop", "unread_variable"),
        ("shop", "plain_secret"),
        ("db", "latest_tag"),
        ("db", "published_port"),
    ),
]
