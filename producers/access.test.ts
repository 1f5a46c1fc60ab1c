import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessRefusal } from './access.ts'

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
