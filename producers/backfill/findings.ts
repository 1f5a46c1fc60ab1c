/** What could not be taken: told line by line up to a number, counted to the end. */
const SAID_MAX = 100

export class Findings {
  count = 0
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** `file:line: field: reason` */
  add(where: string, field: string, reason: string): void {
    this.count += 1
    if (this.count <= SAID_MAX) this.#say([where, ...(field === '' ? [] : [field]), reason].join(': '))
    if (this.count === SAID_MAX + 1) this.#say('more of them are only counted')
  }
}
