/** The rights that a complete backup needs: roles of the client realm-management (least privilege found by trying, per version). */

export const readRights = [
  'view-users',
  'view-realm',
  'view-clients',
  'view-identity-providers',
  'view-organizations',
] as const
/** Those that a complete restore needs beside them. */
export const writeRights = [
  'manage-realm',
  'manage-users',
  'manage-clients',
  'manage-identity-providers',
  'manage-organizations',
] as const
/** `manage-authorization`: for the few clients that use Keycloak's authorization services. `realm-admin`: gives what one does not have oneself. */
export type Right = (typeof readRights)[number] | (typeof writeRights)[number] | 'manage-authorization' | 'realm-admin'
