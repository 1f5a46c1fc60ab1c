import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessRefusal, requireTokenIfPublic, TokenMissing } from './access.ts'

const from = (remoteAddress: string | undefined, authorization?: string) => ({
  headers: authorization === undefined ? {} : { authorization },
  socket: { remoteAddress },
})

test('without a token, loopback addresses alone', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    assert.equal(accessRefusal(from(address), null), null, address)
  }
  for (const address of ['10.0.0.1', '127.0.0.1.example', '::ffff:10.0.0.1', '', undefined]) {
    assert.equal(accessRefusal(from(address), null)?.statusCode, 403, address)
  }
})

test('with a token, that token alone', () => {
  const token = 'one two three four'
  for (const right of [`Bearer ${token}`, `bearer ${token}`, `Bearer   ${token}`]) {
    assert.equal(accessRefusal(from('10.0.0.1', right), token), null, right)
  }
  for (const wrong of [undefined, '', 'Bearer', 'Bearer one', `Token ${token}`, token, `Bearer ${token} five`]) {
    assert.equal(accessRefusal(from('127.0.0.1', wrong), token)?.statusCode, 401, wrong)
  }
})

test('without a token nothing that came through a proxy, wherever the proxy is', () => {
  for (const name of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']) {
    const { socket } = from('127.0.0.1')
    const refusal = accessRefusal({ headers: { [name]: '127.0.0.1' }, socket }, null)
    assert.equal(refusal?.statusCode, 403, name)
    assert.match(refusal.message, /proxy.*gateway\.token/)
    const authorization = 'Bearer secret'
    assert.equal(accessRefusal({ headers: { [name]: '127.0.0.1', authorization }, socket }, 'secret'), null, name)
  }
})

test('a public name needs a token', () => {
  assert.throws(() => {
    requireTokenIfPublic({ publicHosts: ['ops.example'], token: null })
  }, TokenMissing)
  requireTokenIfPublic({ publicHosts: ['ops.example'], token: 'secret' })
  requireTokenIfPublic({ publicHosts: [], token: null })
})
