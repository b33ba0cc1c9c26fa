// The full fast check: what `npm test` runs. Other suites (integration, package, long) extend this one in test/jest.*.mjs.
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/esbuild-transform.mjs' },
  roots: ['<rootDir>/test'],
  testMatch: ['<rootDir>/test/{unit,contract,simulation,golden,fuzz}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '\\.long\\.test\\.ts$'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/toriki-demo/', '<rootDir>/.cache/'],
  maxWorkers: 2,
  testTimeout: 20_000,
  watchman: false,
}
