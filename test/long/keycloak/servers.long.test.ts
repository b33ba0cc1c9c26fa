// The seed realm on every version of Keycloak; `.ci/run` has time for the newest only.
process.env['TORIKI_SERVERS'] = 'all'
await import('../../integration/servers/servers.test.ts')
