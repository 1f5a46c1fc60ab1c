/** Control, bidirectional, zero-width and tag characters: what a model or a terminal reads in them, a person does not see. */
export const UNSEEN = /[\p{Cc}\p{Cf}\u2028\u2029\u{E0000}-\u{E007F}]/gu

/** On one line. */
export const withoutUnseen = (text: string): string => text.replace(UNSEEN, (unseen) => (/\s/.test(unseen) ? ' ' : ''))
