import { describeRestoredPeople } from './restore-people.ts'

describeRestoredPeople('26.7.4')
