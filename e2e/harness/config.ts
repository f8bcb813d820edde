/** The environment of a child: that of this process, and what is set beside it. */
export function childEnvironment(beside: Readonly<Record<string, string | undefined>>): NodeJS.ProcessEnv {
  return { ...process.env, ...beside };
}
