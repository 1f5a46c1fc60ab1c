/** The streamed replay: JSON Lines in and out. One answer line for each ask; outcomes and the end are not answered. */
import * as z from 'zod'

const cell = z.union([z.string(), z.number(), z.boolean(), z.null()])
const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ask'), run: z.record(z.string(), cell) }),
  z.object({
    type: z.literal('outcome'),
    run_id: z.string(),
    success: z.boolean(),
    duration_s: z.number().nullable(),
  }),
  z.object({ type: z.literal('end') }),
])

export type StreamMessage = z.output<typeof message>

export interface StreamAnswer {
  readonly run_id: string
  readonly p_success: number
  readonly duration_s?: { readonly p10: number; readonly p50: number; readonly p90: number }
  readonly confident: boolean
}

export class MessageInvalid extends Error {
  readonly retryable = false
  constructor(line: string, reason: string) {
    super(`message ${line.slice(0, 200)}: ${reason}`)
    this.name = 'MessageInvalid'
  }
}

export function messageOf(line: string): StreamMessage {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new MessageInvalid(line, 'is not JSON')
  }
  const parsed = message.safeParse(value)
  if (!parsed.success) throw new MessageInvalid(line, z.prettifyError(parsed.error))
  return parsed.data
}
