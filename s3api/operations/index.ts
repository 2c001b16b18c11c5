import type { Operation } from '../operation.ts'
import { abortMultipartUpload } from './abort-upload.ts'
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from './acl.ts'
import { deleteBucketEncryption, getBucketEncryption, putBucketEncryption } from './bucket-encryption.ts'
import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from './bucket-policy.ts'
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './bucket-tagging.ts'
import { getBucketVersioning, putBucketVersioning } from './bucket-versioning.ts'
import { createBucket, deleteBucket, getBucketLocation, headBucket } from './buckets.ts'
import { completeMultipartUpload } from './complete-upload.ts'
import { copyObject } from './copy-object.ts'
import { deleteBucketCors, getBucketCors, putBucketCors } from './cors.ts'
import { createMultipartUpload } from './create-upload.ts'
import { deleteObject } from './delete-object.ts'
import { deleteObjects } from './delete-objects.ts'
import { fixedAnswers } from './fixed-answers.ts'
import { getObject, getObjectPart, headObject, headObjectPart } from './get-object.ts'
import { listBuckets } from './list-buckets.ts'
import { listObjects, listObjectsV2 } from './list-objects.ts'
import { listParts } from './list-parts.ts'
import { listMultipartUploads } from './list-uploads.ts'
import { listObjectVersions } from './list-versions.ts'
import { getObjectLockConfiguration, putObjectLockConfiguration } from './lock-configuration.ts'
import { getObjectAttributes } from './object-attributes.ts'
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from './object-lock.ts'
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './object-tagging.ts'
import {
  deleteBucketOwnershipControls,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
} from './ownership-controls.ts'
import { postObject } from './post-object.ts'
import { deletePublicAccessBlock, getPublicAccessBlock, putPublicAccessBlock } from './public-access-block.ts'
import { putObject } from './put-object.ts'
import { uploadPart, uploadPartCopy } from './upload-part.ts'

/** All operations. An operation is added by writing its file and its line here. */
export const operations = [
  listBuckets,
  createBucket,
  headBucket,
  deleteBucket,
  getBucketLocation,
  putBucketEncryption,
  getBucketEncryption,
  deleteBucketEncryption,
  putBucketVersioning,
  getBucketVersioning,
  putBucketTagging,
  getBucketTagging,
  deleteBucketTagging,
  putObjectLockConfiguration,
  getObjectLockConfiguration,
  putBucketPolicy,
  getBucketPolicy,
  deleteBucketPolicy,
  getBucketPolicyStatus,
  putBucketAcl,
  getBucketAcl,
  putBucketOwnershipControls,
  getBucketOwnershipControls,
  deleteBucketOwnershipControls,
  putPublicAccessBlock,
  getPublicAccessBlock,
  deletePublicAccessBlock,
  putBucketCors,
  getBucketCors,
  deleteBucketCors,
  listObjects,
  listObjectsV2,
  listObjectVersions,
  deleteObjects,
  putObject,
  postObject,
  getObject,
  getObjectPart,
  headObject,
  headObjectPart,
  getObjectAttributes,
  deleteObject,
  putObjectAcl,
  getObjectAcl,
  putObjectTagging,
  getObjectTagging,
  deleteObjectTagging,
  putObjectRetention,
  getObjectRetention,
  putObjectLegalHold,
  getObjectLegalHold,
  copyObject,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
  listParts,
  listMultipartUploads,
  completeMultipartUpload,
  abortMultipartUpload,
  ...fixedAnswers,
] as const satisfies readonly Operation[]
