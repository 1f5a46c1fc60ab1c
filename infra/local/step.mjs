const sayEveryMs = 10_000

/**
 * Runs one long step: says that it begins, where it is every ten seconds, and how long it took. The work gets `note(text)`
 * to tell what it is at.
 */
export async function step(title, work, say = console.log) {
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  let at = ''
  say(`${title} …`)
  const timer = setInterval(() => say(`  … ${seconds()} s${at === '' ? '' : `, at: ${at}`}`), sayEveryMs)
  try {
    const result = await work((text) => {
      // What npm warns of is no step of the work, and the tail of a failure still shows it.
      if (!/^npm warn\b/i.test(text)) at = text.trim().slice(0, 100)
    })
    say(`${title}: done in ${seconds()} s`)
    return result
  } finally {
    clearInterval(timer)
  }
}
