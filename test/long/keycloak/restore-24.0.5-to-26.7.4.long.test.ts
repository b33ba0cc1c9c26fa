import { describeRoundTrip } from '../../integration/keycloak/restore-round-trip.ts'

describeRoundTrip({ from: '24.0.5', to: '26.7.4', bulk: 5, shared: true })
