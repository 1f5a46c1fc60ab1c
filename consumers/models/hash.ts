/** FNV-1a over UTF-16 code units, 32 bits: spreads names over buckets. Part of the feature set: never changed. */
export function bucketOf(text: string, buckets: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  // The low bits of FNV mix worst; fold the high half in.
  return ((hash ^ (hash >>> 15)) >>> 0) % buckets
}
