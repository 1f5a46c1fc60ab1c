/** What the trainer hands to the process that learns, and what comes back; both as files of V8's own serialisation. */
import { readFileSync, writeFileSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import type { CapacityCard } from './capacity.ts'
import type { Round } from '../patterns/patternRound.ts'
import type { PatternSet } from '../patterns/patternSet.ts'
import type { Learnt, Lesson } from './lesson.ts'

export type Task =
  | { readonly kind: 'classifier'; readonly nativeFolder: string | null; readonly lesson: Lesson }
  | {
      readonly kind: 'capacity'
      readonly nativeFolder: string | null
      readonly seed: number
      /** Hourly means, NaN = gap. */
      readonly series: readonly Float64Array[]
    }
  | { readonly kind: 'patterns'; readonly seed: number; readonly round: Round }

export type TaskResult =
  | { readonly kind: 'classifier'; readonly backend: string; readonly learnt: Learnt }
  | { readonly kind: 'capacity'; readonly backend: string; readonly weights: Buffer; readonly card: CapacityCard }
  | { readonly kind: 'patterns'; readonly set: PatternSet }

export const writeTask = (file: string, task: Task): void => {
  writeFileSync(file, serialize(task))
}
/** Buffers come back as plain byte arrays and are made buffers again. */
export function readTask(file: string): Task {
  const task = deserialize(readFileSync(file)) as Task
  if (task.kind !== 'classifier' || task.lesson.start === null) return task
  return { ...task, lesson: { ...task.lesson, start: Buffer.from(task.lesson.start) } }
}

export const writeResult = (file: string, result: TaskResult): void => {
  writeFileSync(file, serialize(result))
}
export function readResult(file: string): TaskResult {
  const result = deserialize(readFileSync(file)) as TaskResult
  switch (result.kind) {
    case 'patterns':
      return result
    case 'capacity':
      return { ...result, weights: Buffer.from(result.weights) }
    case 'classifier':
      return { ...result, learnt: { ...result.learnt, weights: Buffer.from(result.learnt.weights) } }
  }
}
