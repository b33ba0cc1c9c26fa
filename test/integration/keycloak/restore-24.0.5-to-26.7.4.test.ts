import { describeRoundTrip } from './restore-round-trip.ts'

// Of the ways between versions the longest one; the others are in test/long.
describeRoundTrip({ from: '24.0.5', to: '26.7.4', bulk: 5, shared: true })
