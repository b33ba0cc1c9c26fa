import { describe, expect, test } from '@jest/globals'
import { MASK, isSecretName, separateSecrets } from '../../../../lib/components/keycloak/secret-fields.ts'

describe('secrets in a body', () => {
  test('are told by their name', () => {
    const secret = [
      'secret',
      'clientSecret',
      'password',
      'bindCredential',
      'saml.signing.private.key',
      'saml.encryption.private.key',
      'client.secret.rotated',
      'privateKey',
      'secret.key',
      'keyPassword',
      'api_key',
    ]
    expect(secret.filter((name) => !isSecretName(name))).toEqual([])
    const open = [
      'passwordPolicy',
      'client.secret.creation.time',
      'tokenUrl',
      'use.refresh.tokens',
      'resetPasswordAllowed',
      'secretSize',
      'requiredCredentials',
      'saml.signing.certificate',
      'keySize',
      'publicKey',
      'credentialId',
    ]
    expect(open.filter(isSecretName)).toEqual([])
  })

  test('go out with the dotted name of their place, from lists of one as well', () => {
    expect(
      separateSecrets({
        name: 'x',
        config: { clientSecret: 'top', scope: 'openid' },
        deep: { bindCredential: ['hidden'] },
      }),
    ).toEqual({
      state: { name: 'x', config: { scope: 'openid' }, deep: {} },
      secrets: { 'config.clientSecret': 'top', 'deep.bindCredential': 'hidden' },
      masked: [],
    })
  })

  test('that the server masks are no values: they are left out and named', () => {
    expect(
      separateSecrets({
        smtpServer: { password: MASK, host: 'mail' },
        config: { bindCredential: [MASK] },
        list: [{ any: MASK }],
      }),
    ).toEqual({
      state: { smtpServer: { host: 'mail' }, config: {}, list: [{}] },
      secrets: {},
      masked: ['config.bindCredential', 'list.0.any', 'smtpServer.password'],
    })
  })

  test('switches and pointers to a vault are no secrets', () => {
    const body = { 'client.secret': 'true', password: '${vault.smtp}', secret: '' }
    expect(separateSecrets(body)).toEqual({ state: body, secrets: {}, masked: [] })
  })

  test('a password of digits is one', () => {
    expect(separateSecrets({ password: '123456' }).secrets).toEqual({ password: '123456' })
  })
})
