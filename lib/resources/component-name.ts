/** The systems that hold state. A stable name each: it stands in snapshots, messages and settings. */

export const componentNames = ['keycloak', 'files', 'conda-store', 'jupyterhub', 'nebari-config'] as const

/** In the order in which they are read and restored. */
export type ComponentName = (typeof componentNames)[number]
