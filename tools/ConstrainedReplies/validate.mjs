// Validates answers against their schemas with ajv: lines of {schema, answer, complete, limit, tokens} on stdin. Fails on the first that is wrong.
import { createInterface } from "node:readline";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

let count = 0, atTheLimit = 0;
for await (const line of createInterface({ input: process.stdin })) {
    const { schema, answer, complete, limit, shortest, tokens } = JSON.parse(line);
    const fail = problem => {
        console.error(`answer ${count + 1}: ${problem}\nschema: ${JSON.stringify(schema)}\nanswer: ${answer}\nlimit ${limit}, shortest ${shortest}, tokens ${tokens}`);
        process.exit(1);
    };
    const ajv = new Ajv2020({ strictTypes: false, strictRequired: false });
    addFormats.default(ajv);
    const validate = ajv.compile(schema);
    let value;
    try {
        value = JSON.parse(answer);
    } catch (e) {
        fail(`is not JSON: ${e.message}`);
    }
    if (!validate(value)) fail(ajv.errorsText(validate.errors));
    if (!complete) fail("is not marked as complete");
    if (tokens > limit) fail("is longer than its limit");
    count++;
    if (limit === shortest) atTheLimit++;
}
console.log(`${count} answers are valid, ${atTheLimit} of them at the shortest limit`);
