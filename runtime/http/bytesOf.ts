/** More came than was allowed; the rest is not read. */
export class AnswerTooLarge extends Error {
  readonly retryable = false
  readonly status: number
  constructor({ url, status }: Response, bytesMax: number) {
    super(`${url} answered with more than ${bytesMax} bytes`)
    this.name = 'AnswerTooLarge'
    this.status = status
  }
}

/** The body of an answer. Throws AnswerTooLarge, and what fetch throws. */
export async function bytesOf(response: Response, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  if (response.body === null) return Buffer.alloc(0)
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    parts.push(part)
    length += part.length
    if (length > bytesMax) throw new AnswerTooLarge(response, bytesMax)
  }
  return Buffer.concat(parts, length)
}
