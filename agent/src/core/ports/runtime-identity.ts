/** What a verdict or a measurement of an artefact holds for: with another engine or other hardware it has to be found out again. */
export interface RuntimeIdentity {
  /** Engine and version. */
  runtimeVersion: string;
  /** Digest over processor, instruction set and accelerators. */
  hardware: string;
}
