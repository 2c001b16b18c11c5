"""Does one thing with boto3: put FILE BUCKET KEY, get BUCKET KEY FILE, copy BUCKET FROM TO, list BUCKET, remove BUCKET KEY."""
import json
import os
import sys

import boto3
from botocore.config import Config

mode, verb, *words = sys.argv[1:]
client = boto3.client(
    's3',
    endpoint_url=os.environ['SITE_URL'],
    verify=os.environ['AWS_CA_BUNDLE'],
    config=Config(s3={'addressing_style': 'path'}),
)
customer = {'SSECustomerAlgorithm': 'AES256', 'SSECustomerKey': os.environ['CUSTOMER_KEY']} if mode == 'sse-c' else {}
write = {
    'sse-s3': {'ServerSideEncryption': 'AES256'},
    'sse-kms': {'ServerSideEncryption': 'aws:kms', 'SSEKMSKeyId': os.environ['KMS_KEY_ID']},
}.get(mode, customer)

if verb == 'mb':
    client.create_bucket(Bucket=words[0])
elif verb == 'put':
    client.upload_file(words[0], words[1], words[2], ExtraArgs=write)
elif verb == 'get':
    client.download_file(words[0], words[1], words[2], ExtraArgs=customer)
elif verb == 'copy':
    source = {'CopySourceSSECustomerAlgorithm': 'AES256', 'CopySourceSSECustomerKey': os.environ['CUSTOMER_KEY']} if customer else {}
    client.copy({'Bucket': words[0], 'Key': words[1]}, words[0], words[2], ExtraArgs={**write, **source})
elif verb == 'list':
    pages = client.get_paginator('list_objects_v2').paginate(Bucket=words[0])
    print(json.dumps({item['Key']: item['Size'] for page in pages for item in page.get('Contents', [])}))
elif verb == 'remove':
    client.delete_object(Bucket=words[0], Key=words[1])
elif verb == 'version':
    print(boto3.__version__)
