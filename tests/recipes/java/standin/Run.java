import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

/** Runs the tests of the classes named, all at the same time; says how many passed, and what failed. */
public class Run {
    public static void main(String[] names) throws Exception {
        List<Callable<Void>> tests = new ArrayList<>();
        for (String name : names) {
            for (Method method : Class.forName(name).getDeclaredMethods()) {
                if (method.isAnnotationPresent(Test.class)) {
                    tests.add(() -> run(method));
                }
            }
        }
        ExecutorService pool = Executors.newFixedThreadPool(tests.size());
        int failed = 0;
        for (Future<Void> each : pool.invokeAll(tests)) {
            try {
                each.get();
            } catch (ExecutionException error) {
                failed++;
                System.out.println(error.getCause());
            }
        }
        System.out.println(tests.size() - failed + " passed, " + failed + " failed");
        System.exit(failed > 0 ? 1 : 0);
    }

    private static Void run(Method method) throws Exception {
        method.setAccessible(true);
        var made = method.getDeclaringClass().getDeclaredConstructor();
        made.setAccessible(true);
        try {
            method.invoke(made.newInstance());
        } catch (InvocationTargetException error) {
            if (error.getCause() instanceof Error thrown) {
                throw thrown;
            }
            throw (Exception) error.getCause();
        }
        return null;
    }
}
