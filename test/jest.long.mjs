// `npm run test:long`: what takes minutes to hours and proves more of the same (more seeds, more kills, more users), in files named *.long.test.ts.
import base from '../jest.config.mjs'

export default {
  ...base,
  rootDir: '..',
  testMatch: ['<rootDir>/test/**/*.long.test.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  maxWorkers: 1,
  testTimeout: 3_600_000,
}
