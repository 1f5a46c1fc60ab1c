/** How long the group counts on a member that it hears nothing of: the broker's least. */
export const SESSION_TIMEOUT_MS = 6000
