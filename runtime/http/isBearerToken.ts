/** Whether a text can be sent as a bearer token. What cannot, fetch refuses by an error that quotes it. */
export const isBearerToken = (text: string): boolean => /^[\x20-\x7e]+$/.test(text)
