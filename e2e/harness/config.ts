/** The environment of a child: that of this process, and what is set beside it. */
export function childEnvironment(beside: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return { ...process.env, ...beside };
}

/** Where suites of one run keep what they all begin with; undefined outside of a run. */
export function seedsFolder(): string | undefined {
  return process.env.STARLING_TEST_SEEDS;
}

/**
 * For this process and those that it starts from now on: where suites share what they begin with, and where Node keeps what it has
 * compiled, for one run starts a few hundred processes on the same files.
 */
export function shareFolders({ seeds, compiled }: { seeds: string; compiled: string }): void {
  process.env.STARLING_TEST_SEEDS = seeds;
  process.env.NODE_COMPILE_CACHE = compiled;
}
