import { type CorsRule, corsMethods, corsSetting, fromStoredCors, toStoredCors } from '../access/cors.ts'
import { S3Error } from '../errors.ts'
import { readXml, type XmlElement } from '../http/xml-reader.ts'
import { document, element, type XmlNode } from '../http/xml-writer.ts'
import type { Operation } from '../operation.ts'
import { parseDecimal } from '../text.ts'

/** A bucket's CORS configuration: PUT, GET, DELETE ?cors. */

const rulesMax = 100
const idSizeMax = 255
const route = { scope: 'bucket', query: ['cors'] } as const

export const putBucketCors: Operation = {
  name: 'PutBucketCors',
  action: 's3:PutBucketCORS',
  method: 'PUT',
  ...route,
  async handle({ services: { backend }, request, body }) {
    const rules = readCorsRules(await body.readAll())
    await backend.setBucketSetting(request.bucket, corsSetting, toStoredCors(rules))
    return { status: 200 }
  },
}

export const getBucketCors: Operation = {
  name: 'GetBucketCors',
  action: 's3:GetBucketCORS',
  method: 'GET',
  ...route,
  async handle({ services: { backend }, request }) {
    const stored = await backend.getBucketSetting(request.bucket, corsSetting)
    if (stored === undefined) throw new S3Error('NoSuchCORSConfiguration')
    return {
      status: 200,
      body: document(element('CORSConfiguration', fromStoredCors(stored).map(ruleElement))),
    }
  },
}

export const deleteBucketCors: Operation = {
  name: 'DeleteBucketCors',
  action: 's3:PutBucketCORS',
  method: 'DELETE',
  ...route,
  async handle({ services: { backend }, request }) {
    await backend.setBucketSetting(request.bucket, corsSetting, undefined)
    return { status: 204 }
  },
}

/** Errors: MalformedXML, InvalidRequest. */
export function readCorsRules(bytes: Uint8Array): CorsRule[] {
  const rules = readXml(bytes, 'CORSConfiguration').children('CORSRule')
  if (rules.length === 0 || rules.length > rulesMax) throw new S3Error('MalformedXML')
  return rules.map(readRule)
}

/** Errors: MalformedXML, InvalidRequest. */
function readRule(rule: XmlElement): CorsRule {
  const texts = (name: string) => rule.children(name).map((child) => child.text().trim())
  const [origins, headers, exposed] = [texts('AllowedOrigin'), texts('AllowedHeader'), texts('ExposeHeader')]
  const methods = texts('AllowedMethod').map((text) => {
    const method = corsMethods.find((known) => known === text)
    if (method === undefined) {
      throw new S3Error(
        'InvalidRequest',
        `Found unsupported HTTP method in CORS config. Unsupported method is ${text}`,
      )
    }
    return method
  })
  if (origins.length === 0 || methods.length === 0) throw new S3Error('MalformedXML')
  for (const text of [...origins, ...headers]) {
    if (text.split('*').length > 2) {
      throw new S3Error('InvalidRequest', `"${text}" can not have more than one wildcard.`)
    }
  }
  if (exposed.some((text) => text.includes('*'))) {
    throw new S3Error(
      'InvalidRequest',
      'ExposeHeader contains wildcard. We currently do not support wildcard.',
    )
  }
  if (![...origins, ...headers, ...exposed].every((text) => /^[\x21-\x7e]+$/.test(text))) {
    throw new S3Error('MalformedXML')
  }
  const id = rule.child('ID')?.text()
  const maxAge = rule.child('MaxAgeSeconds')?.text().trim()
  const maxAgeSeconds = maxAge === undefined ? undefined : parseDecimal(maxAge)
  if ((maxAge !== undefined && maxAgeSeconds === undefined) || (id ?? '').length > idSizeMax) {
    throw new S3Error('MalformedXML')
  }
  return {
    ...(id !== undefined && { id }),
    origins,
    methods,
    headers,
    exposed,
    ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
  }
}

function ruleElement({ id, origins, methods, headers, exposed, maxAgeSeconds }: CorsRule): XmlNode {
  const each = (name: string, texts: readonly string[]) => texts.map((text) => element(name, text))
  return element('CORSRule', [
    ...(id === undefined ? [] : [element('ID', id)]),
    ...each('AllowedMethod', methods),
    ...each('AllowedOrigin', origins),
    ...each('AllowedHeader', headers),
    ...(maxAgeSeconds === undefined ? [] : [element('MaxAgeSeconds', String(maxAgeSeconds))]),
    ...each('ExposeHeader', exposed),
  ])
}
