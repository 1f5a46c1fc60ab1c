/** What the schema can't say about a deployment event. */
import type { DeploymentEvent } from '../../schemas/generated/events.ts'
import { InvalidEvent } from '../../schemas/invalidEvent.ts'

const NAME_CHARS_MAX = 1024
const LINKS_MAX = 64

export function validate(event: DeploymentEvent): void {
  if (!event.service.startsWith(`${event.environment}/`)) {
    throw new InvalidEvent('service', `${clip(event.service)} is not in environment ${clip(event.environment)}`)
  }
  if (event.key === '') throw new InvalidEvent('key', 'is empty')
  if (!Number.isInteger(event.attempt) || event.attempt < 1)
    throw new InvalidEvent('attempt', `${event.attempt} is below 1`)
  if (!(event.occurredAt > 0)) throw new InvalidEvent('occurredAt', `${event.occurredAt} is no time`)
  if ((event.subject === 'change') !== (event.phase === 'changed')) {
    throw new InvalidEvent('phase', `${event.phase} does not belong to subject ${event.subject}`)
  }
  if (event.phase === 'finished' && event.conclusion === null)
    throw new InvalidEvent('conclusion', 'is missing in phase finished')
  if (event.phase === 'step' && event.step === null) throw new InvalidEvent('step', 'is missing in phase step')
  if (event.links.length > LINKS_MAX)
    throw new InvalidEvent('links', `${event.links.length} links, at most ${LINKS_MAX}`)
  checkLengths(event)
  checkChange(event)
}

function checkLengths(event: DeploymentEvent): void {
  const texts = ['service', 'key', 'name', 'workflow', 'repository', 'branch', 'sha', 'actor', 'trigger'] as const
  for (const field of texts) {
    const length = event[field]?.length ?? 0
    if (length > NAME_CHARS_MAX) throw new InvalidEvent(field, `${length} characters, at most ${NAME_CHARS_MAX}`)
  }
}

function checkChange({ change }: DeploymentEvent): void {
  if (change === null) return
  const counts = [
    'filesAdded',
    'filesDeleted',
    'filesModified',
    'linesAdded',
    'linesDeleted',
    'srcFiles',
    'docFiles',
    'otherFiles',
  ] as const
  for (const field of counts) {
    const value = change[field]
    if (value !== null && value < 0) throw new InvalidEvent(`change.${field}`, `${value} is negative`)
  }
}

const clip = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text)
