/** The models and patterns at hand: devops.models is read to its end before the first event is predicted, and followed from then on. */
import type { Codec } from '../runtime/kafka/codec.ts'
import type { QueryOutput } from '../schemas/queries/queries.ts'
import type { KafkaPort } from '../runtime/kafka/port.ts'
import { createForecastShelf } from './models/forecastShelf.ts'
import { createShelf } from './models/shelf.ts'
import type { Shelf } from './models/shelf.ts'
import { createPatternShelf } from './patterns/patternShelf.ts'
import type { PatternSet } from './patterns/patternSet.ts'
import type { CapacityForecaster } from './queries/context.ts'
import type { ConsumerTelemetry } from './telemetry.ts'

export interface ModelFeed {
  readonly shelf: Shelf
  forecaster(): CapacityForecaster | null
  readonly patterns: () => PatternSet | null
  list(): QueryOutput<'get_health'>['models']
  close(): Promise<void>
}

/** Resolves when all that was published before is at hand. A model that can't be used is told and left out. */
export async function openModelFeed(
  kafka: Pick<KafkaPort, 'read'>,
  codec: Codec,
  telemetry: ConsumerTelemetry,
  onFatal: (cause: Error) => void,
): Promise<ModelFeed> {
  const shelf = createShelf()
  const capacity = createForecastShelf()
  const patterns = createPatternShelf()
  const reader = await kafka.read(codec, {
    topic: 'devops.models',
    from: 'beginning',
    follow: true,
    onRecord: async (_record, record) => {
      if (record === null) return
      try {
        await shelf.accept(record)
        capacity.accept(record)
        patterns.accept(record)
        telemetry.modelRecordRead(record)
      } catch (error) {
        telemetry.modelRefused(record, error as Error)
      }
    },
    onUndecodable: (_record, error) => {
      telemetry.modelRefused(null, error)
    },
    onReopen: telemetry.topicReopened,
    onError: onFatal,
  })
  await reader.caughtUp
  return {
    shelf,
    forecaster: () => capacity.champion(),
    patterns: () => patterns.set(),
    list: () =>
      [...shelf.list(), ...capacity.list()].map(({ model, stage, version, since }) => ({
        model,
        stage,
        version,
        since: new Date(since).toISOString(),
      })),
    close: () => reader.close(),
  }
}
