/** The header Link (RFC 8288): addresses by their `rel`. */
export function linksOf(header: string | null): ReadonlyMap<string, string> {
  const links = new Map<string, string>()
  for (const [, address = '', parameters = ''] of (header ?? '').matchAll(/<([^>]*)>((?:\s*;\s*[^,;]+)*)/g)) {
    const rel = /;\s*rel\s*=\s*"?([^";]+)"?/i.exec(parameters)?.[1]
    for (const name of rel?.trim().split(/\s+/) ?? []) links.set(name.toLowerCase(), address)
  }
  return links
}
