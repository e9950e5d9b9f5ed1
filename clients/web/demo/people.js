/** The people of the demo: `subject` is the name with which somebody signs in. */
export const PEOPLE = [
  ["alice", "Alice"],
  ["bob", "Bob"],
  ["carol", "Carol"],
  ["dave", "Dave"],
  ["grace", "Grace"],
  ["nikos", "Νίκος"],
  ["omar", "عمر"],
  ["noa", "נועה"],
  ["priya", "प्रिया"],
  ["mali", "มะลิ"],
  ["wei", "小伟"],
  ["yuki", "ゆき"],
  ["min", "민"],
].map(([subject, name]) => ({ subject, name }));
