// `node run.js stripe`: what the provider's SDK did, as JSON: the name of each step, and null or what went wrong.
const { default: steps } = await import(`./providers/${process.argv[2]}.js`);
const told = {};
const shared = {};
for (const [name, step] of Object.entries(steps)) {
  try {
    await step(shared);
    told[name] = null;
  } catch (error) {
    told[name] = `${error?.stack ?? JSON.stringify(error)} ${JSON.stringify(error?.response?.body ?? error?.body ?? "")}`.slice(0, 2000);
  }
}
process.stdout.write(JSON.stringify(told), () => process.exit(0));
