/**
 * QuickJS asks its surroundings for the time and the zone through `Date`. In a thread that does nothing else, this takes its place: the
 * time is that of the item, and the zone has no offset, so that dates come out the same on every machine.
 * @returns sets the time of the item
 */
export function installItemDate(): (timeMs: number) => void {
  let itemMs = 0;
  class ItemDate extends Date {
    static override now(): number {
      return itemMs;
    }
    override getTimezoneOffset(): number {
      return 0;
    }
    override getFullYear(): number {
      return this.getUTCFullYear();
    }
    override getMonth(): number {
      return this.getUTCMonth();
    }
    override getDate(): number {
      return this.getUTCDate();
    }
    override getDay(): number {
      return this.getUTCDay();
    }
    override getHours(): number {
      return this.getUTCHours();
    }
    override getMinutes(): number {
      return this.getUTCMinutes();
    }
    override getSeconds(): number {
      return this.getUTCSeconds();
    }
  }
  globalThis.Date = ItemDate as DateConstructor;
  return (timeMs) => {
    itemMs = timeMs;
  };
}
