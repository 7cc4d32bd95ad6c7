import org.junit.jupiter.api.Test;

/** A test process that is killed before it ends. */
class Endless {
    @Test
    void endless() throws Exception {
        try (MockScim scim = new MockScim("{}")) {
            System.out.println("at " + scim.baseUrl);
            Thread.sleep(60_000);
        }
    }
}
