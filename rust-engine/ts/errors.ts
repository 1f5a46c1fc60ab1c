/** Errors of the engine by name, with their figures. `retryable`: the same call may succeed later. */

export abstract class EngineError extends Error {
  abstract readonly retryable: boolean
}

/** A region has no page left and nothing that may go. */
export class PoolFull extends EngineError {
  override readonly name = 'PoolFull'
  readonly retryable = true
  readonly region: string
  readonly neededBytes: number
  readonly freeBytes: number
  readonly lentBytes: number
  constructor(region: string, neededBytes: number, freeBytes: number, lentBytes: number) {
    super(`${region} needs ${neededBytes} bytes, ${freeBytes} are free, ${lentBytes} are lent`)
    this.region = region
    this.neededBytes = neededBytes
    this.freeBytes = freeBytes
    this.lentBytes = lentBytes
  }
}

export class OptionsInvalid extends EngineError {
  override readonly name = 'OptionsInvalid'
  readonly retryable = false
  readonly field: string
  readonly reason: string
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
    this.reason = reason
  }
}

/** The system refused the memory map. */
export class MapRefused extends EngineError {
  override readonly name = 'MapRefused'
  readonly retryable = false
  readonly bytes: number
  readonly code: number
  constructor(bytes: number, code: number) {
    super(`cannot map ${bytes} bytes: error ${code}`)
    this.bytes = bytes
    this.code = code
  }
}

/** An event, filter, cursor or argument contradicts its contract. */
export class RecordInvalid extends EngineError {
  override readonly name = 'RecordInvalid'
  readonly retryable = false
  readonly field: string
  readonly reason: string
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
    this.reason = reason
  }
}

/** Too many large reads wait for their turn. */
export class ReadsBusy extends EngineError {
  override readonly name = 'ReadsBusy'
  readonly retryable = true
  readonly waiting: number
  constructor(waiting: number) {
    super(`${waiting} large reads wait already`)
    this.waiting = waiting
  }
}

/** Bytes of a metric batch do not follow docs/column-block.md. */
export class BlockInvalid extends EngineError {
  override readonly name = 'BlockInvalid'
  readonly retryable = false
  readonly field: string
  readonly reason: string
  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.field = field
    this.reason = reason
  }
}

/** A remote-write body is malformed, or `aboveLimit`: a smaller one of the kind would be taken. */
export class RemoteWriteInvalid extends EngineError {
  override readonly name = 'RemoteWriteInvalid'
  readonly retryable = false
  readonly field: string
  readonly reason: string
  readonly aboveLimit: boolean
  constructor(field: string, reason: string, aboveLimit: boolean) {
    super(`${field}: ${reason}`)
    this.field = field
    this.reason = reason
    this.aboveLimit = aboveLimit
  }
}

export class ShardLoaded extends EngineError {
  override readonly name = 'ShardLoaded'
  readonly retryable = false
  readonly shard: number
  constructor(shard: number) {
    super(`shard ${shard} is loaded already`)
    this.shard = shard
  }
}

/** The handle is of a shard that was dropped since. */
export class ShardGone extends EngineError {
  override readonly name = 'ShardGone'
  readonly retryable = false
  readonly shard: number
  constructor(shard: number) {
    super(`shard ${shard} was dropped`)
    this.shard = shard
  }
}

export class ShardUnknown extends EngineError {
  override readonly name = 'ShardUnknown'
  readonly retryable = false
  readonly shard: number
  readonly shards: number
  constructor(shard: number, shards: number) {
    super(`shard ${shard} of ${shards}`)
    this.shard = shard
    this.shards = shards
  }
}

/** An earlier call failed half-way by a bug: the memory is not to be trusted, restart the process. */
export class EngineBroken extends EngineError {
  override readonly name = 'EngineBroken'
  readonly retryable = false
  constructor() {
    super('an earlier call failed half-way; restart the process')
  }
}

/** The snapshots of a shard are sealed with another key, and there is none that this key opens. */
export class SnapshotKeyWrong extends EngineError {
  override readonly name = 'SnapshotKeyWrong'
  readonly retryable = false
  readonly file: string
  constructor(file: string) {
    super(`${file} is sealed with another key; nothing was overwritten`)
    this.file = file
  }
}

/** The key file is not 1 to 8 keys of 32 bytes that only its owner can read. */
export class SnapshotKeyInvalid extends EngineError {
  override readonly name = 'SnapshotKeyInvalid'
  readonly retryable = false
  readonly file: string
  readonly reason: string
  constructor(file: string, reason: string) {
    super(`${file}: ${reason}`)
    this.file = file
    this.reason = reason
  }
}

/** A snapshot of this engine, of this shard, is still being written. */
export class SnapshotRunning extends EngineError {
  override readonly name = 'SnapshotRunning'
  readonly retryable = true
  readonly shard: number
  constructor(shard: number) {
    super(`the snapshot of shard ${shard} is still being written`)
    this.shard = shard
  }
}

/** Writing or reading in the snapshot folder failed. */
export class SnapshotFailed extends EngineError {
  override readonly name = 'SnapshotFailed'
  readonly retryable = true
  readonly operation: string
  readonly file: string
  readonly reason: string
  constructor(operation: string, file: string, reason: string) {
    super(`${operation} ${file}: ${reason}`)
    this.operation = operation
    this.file = file
    this.reason = reason
  }
}

/** An array over shared memory: another thread could change it during the call. */
export class SharedMemoryRefused extends EngineError {
  override readonly name = 'SharedMemoryRefused'
  readonly retryable = false
  constructor(argument: string) {
    super(`${argument} lies over a SharedArrayBuffer`)
  }
}

interface Described {
  readonly name: string
  readonly [field: string]: string | number | boolean
}

/** The named error behind an error that the addon threw; others come back as they are. */
export function namedError(error: unknown): unknown {
  const described = error instanceof Error ? parse(error.message) : null
  if (described === null) return error
  const text = (field: string) => String(described[field])
  const figure = (field: string) => Number(described[field])
  switch (described.name) {
    case 'PoolFull':
      return new PoolFull(text('region'), figure('needed'), figure('free'), figure('lent'))
    case 'OptionsInvalid':
      return new OptionsInvalid(text('field'), text('reason'))
    case 'MapRefused':
      return new MapRefused(figure('bytes'), figure('code'))
    case 'RecordInvalid':
      return new RecordInvalid(text('field'), text('reason'))
    case 'BlockInvalid':
      return new BlockInvalid(text('field'), text('reason'))
    case 'RemoteWriteInvalid':
      return new RemoteWriteInvalid(text('field'), text('reason'), described['aboveLimit'] === true)
    case 'ShardLoaded':
      return new ShardLoaded(figure('shard'))
    case 'ShardGone':
      return new ShardGone(figure('shard'))
    case 'ShardUnknown':
      return new ShardUnknown(figure('shard'), figure('shards'))
    case 'EngineBroken':
      return new EngineBroken()
    case 'SnapshotRunning':
      return new SnapshotRunning(figure('shard'))
    case 'SnapshotKeyWrong':
      return new SnapshotKeyWrong(text('file'))
    case 'SnapshotKeyInvalid':
      return new SnapshotKeyInvalid(text('file'), text('reason'))
    case 'SnapshotFailed':
      return new SnapshotFailed(text('operation'), text('file'), text('reason'))
    default:
      return error
  }
}

function parse(message: string): Described | null {
  if (!message.startsWith('{')) return null
  try {
    return JSON.parse(message) as Described
  } catch {
    return null // a message of somebody else that begins with a brace
  }
}

/** Runs a call of the addon; its errors come out named. */
export function named<T>(call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw namedError(error)
  }
}
