/**
 * The headline prediction as text kept with its running attempt (the engine holds at most 4 KiB): all that the scored
 * entry repeats. The features go as Float32, little endian, base64.
 */
import type { LedgerEntry } from '../../schemas/generated/events.ts'

export type Headline = Pick<
  LedgerEntry,
  | 'predictionId'
  | 'model'
  | 'modelVersion'
  | 'pSuccess'
  | 'answerClass'
  | 'riskLevel'
  | 'durationP10'
  | 'durationP50'
  | 'durationP90'
  | 'evidence'
  | 'baseRate'
  | 'challengerVersion'
  | 'challengerP'
  | 'featureSet'
  | 'features'
>

export function attachmentOf(entry: Headline): string {
  const features = Buffer.alloc(4 * entry.features.length)
  entry.features.forEach((value, i) => features.writeFloatLE(value, 4 * i))
  const kept = [
    entry.predictionId,
    entry.model,
    entry.modelVersion,
    entry.pSuccess,
    entry.answerClass,
    entry.riskLevel,
    entry.durationP10,
    entry.durationP50,
    entry.durationP90,
    entry.evidence,
    entry.baseRate,
    entry.challengerVersion,
    entry.challengerP,
    entry.featureSet,
    features.toString('base64'),
  ]
  return JSON.stringify(kept)
}

export function headlineOf(attachment: string): Headline {
  const kept = JSON.parse(attachment) as [
    string,
    string,
    string,
    number,
    Headline['answerClass'],
    Headline['riskLevel'],
    number | null,
    number | null,
    number | null,
    number,
    number,
    string | null,
    number | null,
    string,
    string,
  ]
  const bytes = Buffer.from(kept[14], 'base64')
  return {
    predictionId: kept[0],
    model: kept[1],
    modelVersion: kept[2],
    pSuccess: kept[3],
    answerClass: kept[4],
    riskLevel: kept[5],
    durationP10: kept[6],
    durationP50: kept[7],
    durationP90: kept[8],
    evidence: kept[9],
    baseRate: kept[10],
    challengerVersion: kept[11],
    challengerP: kept[12],
    featureSet: kept[13],
    features: Array.from({ length: bytes.length / 4 }, (_, i) => bytes.readFloatLE(4 * i)),
  }
}
