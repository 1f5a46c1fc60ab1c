/** URIs of what can be read as a resource. A part is percent-encoded whole: service names have slashes, keys anything. */

export const SERVICE_TEMPLATE = 'devops://services/{service}'
export const INCIDENT_TEMPLATE = 'devops://services/{service}/incidents/{key}'

export function serviceUri(service: string): string {
  return `devops://services/${encodeURIComponent(service)}`
}

/** Several services may have an incident with the same key. */
export function incidentUri(service: string, key: string): string {
  return `${serviceUri(service)}/incidents/${encodeURIComponent(key)}`
}

/** Null where the encoding is broken. */
export function decodePart(part: string | readonly string[] | undefined): string | null {
  if (typeof part !== 'string') return null
  try {
    return decodeURIComponent(part)
  } catch {
    return null
  }
}
