/** The bundler answers such an import with the address under which the file is served. */
declare module '*?url' {
  const address: string;
  // biome-ignore lint/style/noDefaultExport: the bundler answers so.
  export default address;
}
