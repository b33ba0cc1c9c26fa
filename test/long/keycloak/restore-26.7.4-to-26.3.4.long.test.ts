import { describeRoundTrip } from '../../integration/keycloak/restore-round-trip.ts'

// Back to an older version: what it cannot keep is in the plan.
describeRoundTrip({ from: '26.7.4', to: '26.3.4', bulk: 5, shared: true })
