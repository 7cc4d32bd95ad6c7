// What Node's fetch makes of one answer: node fault.mjs URL TOKEN MILLISECONDS. Prints "ok", or the error's names.
const [url, token, patience] = process.argv.slice(2);
try {
  const signal = AbortSignal.timeout(Number(patience));
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` }, signal });
  const text = await answer.text();
  JSON.parse(text);
  console.log("ok");
} catch (error) {
  const cause = error.cause?.code ?? error.cause?.name;
  console.log(cause ? `${error.name} (${cause})` : error.name);
}
