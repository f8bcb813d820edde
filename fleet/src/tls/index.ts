/** Nothing, or given files -> the certificate of the fleet, with an authority of its own that claim tokens pin. */
export { type Certificates, openCertificates } from './certificates.ts';
export type { ShownAuthority } from './nobody-lost.ts';
export type { AuthorityRotation, ListedAuthority } from './rotation.ts';
