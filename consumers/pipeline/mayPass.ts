/** Kafka, the registry, a disk or room in the pool is away for now: the same may work later. */
export function mayPass(error: unknown): boolean {
  const { name, retryable } = error as { name?: unknown; retryable?: unknown }
  return retryable === true || (typeof name === 'string' && name.startsWith('KafkaJS'))
}
