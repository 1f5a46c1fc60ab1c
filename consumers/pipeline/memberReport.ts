/** Tells the others what this process owns: at each change and every 30 s; takes its word back when it leaves. */
import type { Codec } from '../../runtime/kafka/codec.ts'
import type { Publisher } from '../../runtime/kafka/port.ts'
import type { Member } from '../../schemas/generated/events.ts'

const REPORT_MS = 30_000
/** Until the others hear of it they send queries to the wrong address. */
const RETRY_MS = 1_000
const TOPIC = 'devops.members'

export interface MemberReportOptions {
  readonly publisher: Publisher
  readonly codec: Pick<Codec, 'encode'>
  readonly member: () => Member
  readonly onFailure: (cause: Error) => void
}

export interface MemberReport {
  /** Something changed: tells it soon; changes of the same moment are one record. */
  changed(): void
  leave(): Promise<void>
}

export function startMemberReport({ publisher, codec, member, onFailure }: MemberReportOptions): MemberReport {
  let soon: NodeJS.Immediate | null = null
  let retry: NodeJS.Timeout | undefined
  let left = false
  const report = (): void => {
    soon = null
    clearTimeout(retry)
    if (left) return
    const value = member()
    publisher
      .publish([{ topic: TOPIC, partition: 0, key: value.instance, value: codec.encode(TOPIC, value) }])
      .catch((error: unknown) => {
        onFailure(error as Error)
        clearTimeout(retry)
        if (!left) retry = setTimeout(report, RETRY_MS)
      })
  }
  const timer = setInterval(report, REPORT_MS)
  return {
    changed() {
      soon ??= setImmediate(report)
    },
    async leave() {
      left = true
      clearInterval(timer)
      clearTimeout(retry)
      if (soon !== null) clearImmediate(soon)
      await publisher.publish([{ topic: TOPIC, partition: 0, key: member().instance, value: null }]).catch(onFailure)
    },
  }
}
