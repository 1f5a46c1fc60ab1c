/** An event that decodes but can't be true. It goes to dead letters: sending it again changes nothing. */
export class InvalidEvent extends Error {
  readonly field: string
  readonly reason: string
  readonly retryable = false

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`)
    this.name = 'InvalidEvent'
    this.field = field
    this.reason = reason
  }
}
