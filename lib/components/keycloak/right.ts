/** The rights that a complete backup needs: roles of the client realm-management (least privilege found by trying, per version). */

export const readRights = [
  'view-users',
  'view-realm',
  'view-clients',
  'view-identity-providers',
  'view-organizations',
] as const
export type Right = (typeof readRights)[number]
