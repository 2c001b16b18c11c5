import { needsOfAction } from '../access/needs.ts'
import { element, plainDocument } from '../http/xml-writer.ts'
import type { Operation, Reply, RequestContext } from '../operation.ts'
import { objectLocation } from './object-location.ts'
import { storeBody } from './put-object.ts'

/** Uploads from browsers' forms (S3 API reference, "POST Object"). By now the form is the PUT that it stands for. */
export const postObject: Operation = {
  name: 'PostObject',
  action: (request) => needsOfAction('s3:PutObject', request),
  method: 'POST',
  scope: 'bucket',
  form: true,
  async handle(context) {
    return formReply(context, await storeBody(context))
  },
}

/** What the form's sender is told when its object is made. */
export function formReply(
  { request, formFields = new Map() }: Pick<RequestContext, 'request' | 'formFields'>,
  { etag, headers }: { readonly etag: string; readonly headers: Readonly<Record<string, string>> },
): Reply {
  const location = objectLocation(request)
  const redirect = redirection(formFields.get('success_action_redirect') ?? formFields.get('redirect'))
  if (redirect !== undefined) {
    redirect.search += `${redirect.search === '' ? '?' : '&'}bucket=${encodeURIComponent(request.bucket)}&key=${encodeURIComponent(request.key)}&etag=${encodeURIComponent(`"${etag}"`)}`
    return { status: 303, headers: { ...headers, Location: redirect.href } }
  }
  return succeeded(formFields.get('success_action_status'), {
    headers: { ...headers, Location: location },
    body: plainDocument(
      element('PostResponse', [
        element('Location', location),
        element('Bucket', request.bucket),
        element('Key', request.key),
        element('ETag', `"${etag}"`),
      ]),
    ),
  })
}

/** A status that is none of those three counts as none, as on AWS. */
function succeeded(
  status: string | undefined,
  { headers, body }: { readonly headers: Record<string, string>; readonly body: string },
): Reply {
  switch (status) {
    case '200':
      return { status: 200, headers }
    case '201':
      return { status: 201, headers, body }
    default:
      return { status: 204, headers }
  }
}

/** Where the browser goes next; undefined for what is no address of a page. */
function redirection(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined
  const url = new URL(text)
  return url.protocol === 'https:' || url.protocol === 'http:' ? url : undefined
}
