/** What is written on the signs. No firm, brand or person is meant. */
export const streets = [
  ...['Mill Lane', 'Harbour Road', 'Station Street', 'Church Hill', 'Orchard Way', 'Kingfisher Drive', 'Quarry Road', 'Maple Avenue'],
  ...['Old Bridge Street', 'Castle Gate', 'Riverside Walk', 'Foundry Lane', 'Market Square', 'Lindenweg', 'Rue du Port', 'Via Garibaldi'],
  ...['Calle Mayor', 'Bergstrasse', 'Ferry Approach', 'Windmill Rise', 'North Quay', 'Gallows Corner', 'Elm Court', 'Tanner Row'],
];
export const places = [
  ...['Airport', 'City Centre', 'Harbour', 'Hospital', 'Stadium', 'Old Town', 'University', 'Ferry', 'Museum', 'Westfield', 'Ashby'],
  ...['Brookhaven', 'Northport', 'Eastleigh', 'Milton', 'Kirkdale', 'Hazelwood', 'Ring Road', 'Industrial Estate', 'Rest Area'],
];
export const shops = [
  ...['Blue Heron', 'Golden Crust', 'Corner Bakery', 'The Red Lantern', 'Fern & Willow', 'Harbour Fish', 'Piccolo', 'Sunrise Cafe'],
  ...['Oak Barrel', 'Lucky Noodle', 'Paper Moon', 'Copper Kettle', 'Green Grocer', 'Night Owl', 'Little Atlas', 'Velvet Rose'],
  ...['Iron Horse', 'Salt & Smoke', 'Bookmark', 'Cinnamon', 'Tall Ships', 'Quick Fix', 'Wild Thyme', 'Moonlight'],
];
export const trades = [
  ...['FRESH BREAD DAILY', 'COFFEE & CAKES', 'FLOWERS', 'WATCH REPAIR', 'BICYCLES', 'USED BOOKS', 'FISH AND CHIPS', 'WINE MERCHANT'],
  ...['KEYS CUT HERE', 'DRY CLEANING', 'PHARMACY', 'HARDWARE', 'OPTICIAN', 'BARBER SHOP', 'ICE CREAM', 'NOODLE BAR', 'TAILOR'],
];
export const warnings = [
  ...['HIGH VOLTAGE', 'KEEP OUT', 'NO ENTRY', 'HOT SURFACE', 'WET FLOOR', 'NO SMOKING', 'FORKLIFT TRAFFIC', 'OVERHEAD LOAD'],
  ...['MIND THE STEP', 'LASER RADIATION', 'EYE PROTECTION', 'FLAMMABLE GAS', 'AUTHORISED STAFF ONLY', 'DEEP WATER', 'FALLING ROCKS'],
];
export const advice = [
  ...['Do not touch', 'Wear ear protection', 'Stop the machine first', 'Trespassers will be prosecuted', 'Risk of death', 'Keep clear'],
  ...['Switch off before opening', 'No access without permit', 'Emergency call 0800 4417', 'Hard hats must be worn'],
];
export const goods = [
  ...['BALL BEARING', 'HEX BOLT M12', 'BRAKE PAD SET', 'PUMP HOUSING', 'CABLE 4 x 1.5', 'SERVO DRIVE', 'FILTER 10 um', 'VALVE DN50'],
  ...['OLIVE OIL', 'RICE FLOUR', 'DARK ROAST', 'OAT FLAKES', 'SEA SALT', 'GREEN TEA'],
];
