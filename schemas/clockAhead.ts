/** How far an event may lie ahead of the log that has it; one further ahead is a dead letter. */
export const CLOCK_AHEAD_MS_MAX = 10 * 60 * 1000
