/**
 * Records of a send that no broker answered for. kafkajs leaves out, without an error, what belongs to a partition that
 * the topic's metadata does not have, or that moved to a broker which had answered already.
 */
import type { OutgoingRecord } from './port.ts'

/** `answers`: what kafkajs' sendBatch gives. */
export function unanswered(
  records: readonly OutgoingRecord[],
  answers: readonly { readonly topicName: string; readonly partition: number }[],
): readonly OutgoingRecord[] {
  const answered = new Set(answers.map(({ topicName, partition }) => `${partition} ${topicName}`))
  return records.filter(({ topic, partition }) => !answered.has(`${partition} ${topic}`))
}

/** One sentence for an operator. */
export function unansweredText(records: readonly OutgoingRecord[]): string {
  const places = new Set(records.map(({ topic, partition }) => `partition ${partition} of ${topic}`))
  return `no broker answered for ${[...places].join(', ')}: has the topic fewer partitions than it should?`
}
