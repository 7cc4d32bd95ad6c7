// A session of a client that has nothing but java.net.http, which asks for HTTP/2 first: java Session.java BASE TOKEN.
// Prints "ok", or fails.

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public class Session {
    private static final String USER = "urn:ietf:params:scim:schemas:core:2.0:User";
    private static final HttpClient CLIENT = HttpClient.newHttpClient();
    private static String base;
    private static String token;

    public static void main(String[] arguments) throws Exception {
        base = arguments[0];
        token = arguments[1];
        HttpResponse<String> made = ask("POST", "/Users", user("zoë@example.com"));
        check(made, 201);
        String id = first(made.body(), "\"id\":\"([^\"]+)\"");
        String version = made.headers().firstValue("ETag").orElseThrow();
        check(ask("POST", "/Users", user("ZOË@example.com")), 409);

        String filter = URLEncoder.encode("userName eq \"zoë@example.com\"", StandardCharsets.UTF_8);
        HttpResponse<String> found = ask("GET", "/Users?filter=" + filter, null);
        check(found, 200);
        expect(first(found.body(), "\"id\":\"([^\"]+)\"").equals(id), "another was found");
        check(ask("GET", "/Users/" + id, null, "If-None-Match", version), 304);

        String change = "{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":"
            + "[{\"op\":\"replace\",\"path\":\"active\",\"value\":false}]}";
        HttpResponse<String> patched = ask("PATCH", "/Users/" + id, change);
        check(patched, 200);
        expect(patched.body().contains("\"active\":false"), patched.body());
        check(ask("PUT", "/Users/" + id, user("zoë@example.com"), "If-Match", version), 412);
        check(ask("PUT", "/Users/" + id, user("zoë@example.com"), "If-Match", "*"), 200);

        List<CompletableFuture<HttpResponse<String>>> many = new ArrayList<>();
        for (int n = 0; n < 40; n++) {
            HttpRequest request = request("POST", "/Users", user("many-" + n + "@example.com"));
            many.add(CLIENT.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
        }
        for (CompletableFuture<HttpResponse<String>> each : many) {
            check(each.get(), 201);
        }
        HttpResponse<String> gone = ask("DELETE", "/Users/" + id, null);
        check(gone, 204);
        expect(gone.body().isEmpty(), gone.body());
        check(ask("GET", "/Users/" + id, null), 404);
        System.out.println("ok");
    }

    private static String user(String name) {
        return "{\"schemas\":[\"" + USER + "\"],\"userName\":\"" + name + "\",\"active\":true}";
    }

    private static HttpRequest request(String method, String path, String body, String... headers) {
        HttpRequest.BodyPublisher content =
            body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(base + path)).method(method, content);
        builder.header("Authorization", "Bearer " + token).header("Content-Type", "application/scim+json");
        return (headers.length > 0 ? builder.headers(headers) : builder).build();
    }

    private static HttpResponse<String> ask(String method, String path, String body, String... headers)
        throws Exception {
        return CLIENT.send(request(method, path, body, headers), HttpResponse.BodyHandlers.ofString());
    }

    private static String first(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        expect(matcher.find(), text);
        return matcher.group(1);
    }

    private static void check(HttpResponse<String> answer, int status) {
        expect(answer.statusCode() == status, answer + " " + answer.body());
    }

    private static void expect(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
